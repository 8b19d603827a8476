# Files of src/tls/
