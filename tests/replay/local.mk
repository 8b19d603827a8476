# Replayed scenarios of whole delivery attempts
