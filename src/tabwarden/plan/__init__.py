"""From how a site is to how it should be: plans, their order, stops and impact, the way back."""
