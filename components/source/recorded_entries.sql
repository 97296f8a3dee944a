-- What the archive has of each captured table, where the stack's state has the entries instead of the
-- publication's comment: recorded.sql for a database that the program does not own.
--
-- Variables: publications, and entries, a JSON object by table.
SELECT split_part(:'publications', ',', 1) AS pubname, entry.key AS name, entry.value AS entry
    FROM jsonb_each(:'entries') AS entry
