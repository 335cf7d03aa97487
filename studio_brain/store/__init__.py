"""The state database: files and schemas, migrations, the writer thread and its units of work, projections.

Two databases that live apart. *brain* holds the logs and the gateway's rows and is never rebuilt from elsewhere;
*views* holds what can be derived again. They are two SQLite files in the home folder, or two schemas of one
PostgreSQL database.
"""
