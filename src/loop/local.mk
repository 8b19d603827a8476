# Files of src/loop/
