rehost_unit(accepted receiver ipc)
