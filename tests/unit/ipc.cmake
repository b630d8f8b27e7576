rehost_unit(ipc mover)
