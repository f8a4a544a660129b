"""From policy.yaml to the rules of one role."""
