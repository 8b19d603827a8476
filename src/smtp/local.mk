# Files of src/smtp/
