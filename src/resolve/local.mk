# Files of src/resolve/
