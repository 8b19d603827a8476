# Files of src/attempt/
