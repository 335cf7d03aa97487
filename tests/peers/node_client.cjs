// Google's Node client over REST, driven against the practice studio's IAM port.
//
// Standard input: {"host": "127.0.0.1:1", "project": "...", "bearer": "..."}. Standard output: one JSON object,
// {"outcomes": {name: {"value": ...} | {"code": gRPC code, "message": ...}}, "sent": [{"method", "url", "body"}]}.
"use strict";

const { AggregateField, FieldValue, Firestore, Timestamp } = require("@google-cloud/firestore");
const { OAuth2Client } = require("google-auth-library");

const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const sent = [];

// The bearer goes the way of every access token: an auth client holds it, and the library asks that for headers.
class Holder extends OAuth2Client {
  async fetch(url, options) {
    sent.push({ method: options.method, url: String(url), body: options.body ? String(options.body) : null });
    return super.fetch(url, options);
  }
}

const authClient = new Holder();
authClient.setCredentials({ access_token: given.bearer });
const database = new Firestore({
  projectId: given.project,
  host: given.host,
  ssl: false,
  preferRest: true,
  authClient,
  customHeaders: { Authorization: `Bearer ${given.bearer}` },
});
const pots = database.collection("peerNode");

const steps = {
  async set() {
    for (let n = 0; n < 5; n += 1) await pots.doc(`d${n}`).set({ n, at: FieldValue.serverTimestamp(), tags: ["a", n] });
    return 5;
  },
  async get() {
    const { n, at, tags } = (await pots.doc("d3").get()).data();
    return { n, at: at instanceof Timestamp, tags };
  },
  async getMissing() {
    return (await pots.doc("none").get()).exists;
  },
  async createTaken() {
    await pots.doc("d1").create({});
  },
  async updateMissing() {
    await pots.doc("none").update({ n: 1 });
  },
  async query() {
    const found = await pots.where("n", ">", 1).orderBy("n", "desc").limit(2).get();
    return found.docs.map((one) => one.id);
  },
  async cursor() {
    const found = await pots.orderBy("n").startAfter(2).get();
    return found.docs.map((one) => one.id);
  },
  async either() {
    const found = await pots.where("tags", "array-contains-any", [3, 4]).select("n").get();
    return found.docs.map((one) => one.data());
  },
  async group() {
    await pots.doc("d0").collection("peerNodeRows").doc("r").set({ x: 1 });
    return (await database.collectionGroup("peerNodeRows").get()).docs.map((one) => one.ref.path);
  },
  async aggregate() {
    const wanted = { count: AggregateField.count(), sum: AggregateField.sum("n"), mean: AggregateField.average("n") };
    return (await pots.aggregate(wanted).get()).data();
  },
  async updateAtItsTime() {
    const seen = await pots.doc("d2").get();
    await pots.doc("d2").update({ n: 9 }, { lastUpdateTime: seen.updateTime });
    await pots.doc("d2").update({ n: 2 });
    steps.seen = seen.updateTime;
    return (await pots.doc("d2").get()).get("n");
  },
  async updateTooLate() {
    await pots.doc("d2").update({ n: 9 }, { lastUpdateTime: steps.seen });
  },
  async getAll() {
    return (await database.getAll(pots.doc("d0"), pots.doc("none"))).map((one) => one.exists);
  },
  async listDocuments() {
    return (await pots.listDocuments()).map((one) => one.id).sort();
  },
  async listCollections() {
    return (await pots.doc("d0").listCollections()).map((one) => one.id);
  },
  async transaction() {
    await database.runTransaction(async (transaction) => {
      const seen = await transaction.get(pots.doc("d0"));
      transaction.update(pots.doc("d0"), { n: seen.get("n") + 1 });
    });
    return (await pots.doc("d0").get()).get("n");
  },
  async batch() {
    const batch = database.batch();
    batch.set(pots.doc("nested"), { map: { list: [1, 2.5, null, true], bytes: Buffer.from("x") } });
    batch.update(pots.doc("d4"), { n: FieldValue.increment(7), "a.b": FieldValue.arrayUnion(1) });
    batch.delete(pots.doc("d1"));
    await batch.commit();
    const { map } = (await pots.doc("nested").get()).data();
    const after = (await pots.doc("d4").get()).data();
    return { list: map.list, bytes: map.bytes.toString(), n: after.n, b: after.a.b };
  },
  async bulkWriter() {
    const writer = database.bulkWriter();
    writer.set(pots.doc("bulk"), { a: 1 });
    await writer.close();
    return (await pots.doc("bulk").get()).data();
  },
};

(async () => {
  const outcomes = {};
  for (const [name, step] of Object.entries(steps)) {
    try {
      outcomes[name] = { value: (await step()) ?? null };
    } catch (error) {
      outcomes[name] = { code: error.code ?? null, message: String(error.message) };
    }
  }
  await database.terminate();
  process.stdout.write(JSON.stringify({ outcomes, sent }));
})();
