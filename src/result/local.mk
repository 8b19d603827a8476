# Files of src/result/
