# Files of src/spool/
