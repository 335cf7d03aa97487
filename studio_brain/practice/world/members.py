"""The people: staff and members, their profiles, and the accounts they sign in with."""

from .. import clock, resources
from ..accounts import Account
from ..ids import seeded_id
from ..plain import Timestamp, stamp
from .builder import Builder, Member

STUDIO_YEARS = 4


def build(builder: Builder) -> list[Account]:
    known = resources.load("accounts.json")
    people = resources.load("people.json")
    rng = builder.dice("members")
    opened = stamp(builder.now_us - STUDIO_YEARS * 365 * clock.DAY)
    accounts = []
    for row in (*known["staff"], *known["others"], *known["members"]):
        claims = row.get("claims", {})
        member = Member(row["uid"], row["displayName"], row["email"], "Founding" if claims else "Studio", opened)
        accounts.append(
            Account(
                uid=member.uid,
                email=member.email,
                display_name=member.name,
                password=row["password"],
                claims=claims,
                title=row["title"],
                created_ms=opened.ms,
            )
        )
        role = "admin" if claims.get("admin") else "staff" if claims.get("staff") else "member"
        if claims.get("staff"):
            builder.staff.append(member.uid)
        elif not claims:
            builder.members.append(member)
        _write(builder, member, role)
    tiers = [name for name, _ in people["tiers"]]
    weights = [weight for _, weight in people["tiers"]]
    taken: set[str] = set()
    for _ in range(max(12, min(1500, builder.batch_count // 7))):
        given, family = rng.choice(people["given"]), rng.choice(people["family"])
        handle = _handle(given, family)
        if handle in taken:
            handle = f"{handle}{len(taken)}"
        taken.add(handle)
        member = Member(
            seeded_id(rng, 28),
            f"{given} {family}",
            f"{handle}@example.org",
            rng.choices(tiers, weights)[0],
            builder.ago(rng, 5, STUDIO_YEARS * 365 - 30),
        )
        builder.members.append(member)
        accounts.append(
            Account(
                uid=member.uid,
                email=member.email,
                display_name=member.name,
                password=f"practice-member-{handle}",
                created_ms=member.joined.ms,
            )
        )
        _write(builder, member, "member")
    return accounts


def _handle(given: str, family: str) -> str:
    plain = f"{given}.{family}".lower().replace("-", "")
    return plain.translate(str.maketrans("áéíóúñøðþ", "aeiounodt"))


def _write(builder: Builder, member: Member, role: str) -> None:
    rng = builder.dice(f"profile/{member.uid}")
    touched = builder.after(rng, member.joined, 1, 24 * 300)
    kilns = [kiln["name"] for kiln in builder.studio["kilns"]]
    builder.put(
        f"users/{member.uid}",
        {
            "uid": member.uid,
            "email": member.email,
            "displayName": member.name,
            "photoURL": None,
            "isActive": rng.random() < 0.93,
            "role": role,
            "membershipTier": member.tier,
            "kilnPreferences": rng.choice(kilns),
            "staffNotes": rng.choice((None, None, "Prefers the shelf by the window.", "Ask before moving wet work.")),
            "createdAt": member.joined,
            "updatedAt": touched,
        },
        member.joined,
        touched,
    )
    expires = Timestamp(touched.us + rng.randrange(20, 400) * clock.DAY)
    builder.put(
        f"profiles/{member.uid}",
        {
            "displayName": member.name,
            "preferredKilns": rng.sample(kilns, 2),
            "membershipTier": member.tier,
            "membershipSince": member.joined,
            "membershipExpiresAt": expires,
            "notifyKiln": rng.random() < 0.8,
            "notifyClasses": rng.random() < 0.5,
            "notifyPieces": rng.random() < 0.9,
            "notifyReservations": rng.random() < 0.9,
            "personalNotes": rng.choice((None, None, "Learning to throw off the hump.")),
            "studioNotes": None,
            "uiTheme": rng.choice(("portal", "memoria")),
            "updatedAt": touched,
        },
        member.joined,
        touched,
    )
