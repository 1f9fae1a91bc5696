# Sourced once by the ClickHouse image, in an empty database: example data, and a user who can read it and nothing else.
clickhouse client --user "$CLICKHOUSE_USER" --password "$CLICKHOUSE_PASSWORD" --multiquery <<SQL
CREATE DATABASE IF NOT EXISTS shop;
CREATE TABLE shop.visits (day Date, page String, visitors UInt32) ENGINE = MergeTree ORDER BY (day, page);
INSERT INTO shop.visits VALUES ('2026-01-01', '/', 120), ('2026-01-01', '/cart', 30), ('2026-01-02', '/', 95);
CREATE USER reader IDENTIFIED BY '$CLICKHOUSE_READER_PASSWORD';
GRANT SELECT ON shop.* TO reader;
SQL
