"""The home folder and what an installation is: settings, secrets, the signing key, the engine lock, processes.

HOME/studio.toml         settings, without secrets
     installation.json   the installation's id and the public half of its signing key
     brain.db, views.db  the two databases (absent with PostgreSQL)
     engine.lock         held by the one engine of this home
     vault.json          secrets under a passphrase, where there is no keyring
     practice.json       how to reach the practice studio; practice homes only
     restored.json       which backup this home was made of; restored homes only
     replay/             snapshots of what is derived; may be deleted at any time
     logs/               JSON lines
"""
