# Sourced once by the MariaDB image, in an empty database: example data, and a user who can read it and nothing else.
docker_process_sql --database="$MARIADB_DATABASE" <<SQL
CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(100) NOT NULL);
CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT NOT NULL REFERENCES customers (id), total DECIMAL(10, 2) NOT NULL);
INSERT INTO customers VALUES (1, 'Ada'), (2, 'Grace');
INSERT INTO orders VALUES (1, 1, 12.50), (2, 2, 99.00), (3, 2, 7.25);
CREATE USER reader IDENTIFIED BY '$MARIADB_READER_PASSWORD';
GRANT SELECT ON \`$MARIADB_DATABASE\`.* TO reader;
SQL
