rehost_unit(receiver_rights receiver)
