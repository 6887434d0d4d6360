"""Policy training on several GPUs, through TRL's GRPOTrainer: the same prompts, rewards, filter and advantages.

`stage` sets a stage up in each process; `ranks` are the processes; `config` turns the recipe into TRL's
arguments; `sampling` asks the policy; `rollout` deals the kept responses to the processes; `measuring` gives
their probabilities, `head` keeps image tokens out of them; `trainer` is the subclass; `checkpoints` write and
take up. Nothing here is imported unless this engine is chosen.
"""
