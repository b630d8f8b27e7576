rehost_unit(receiver receiver conf)
rehost_unit(receiver_file receiver)
