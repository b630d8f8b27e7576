rehost_unit(ipc source)
