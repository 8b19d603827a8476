# Files of src/control/
