# Files of src/cli/
