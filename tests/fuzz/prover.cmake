rehost_fuzz(prover verify)
