# Files of src/conf/
