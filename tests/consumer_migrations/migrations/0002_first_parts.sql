INSERT INTO Parts(name) VALUES ('resistor'), ('Kondensator für "C\1"');
