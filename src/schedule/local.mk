# Files of src/schedule/
