"""Names of models that a thin process may know without loading one."""

LOCAL_MODEL = "local/all-MiniLM-L6-v2"
LOCAL_DIM = 384
