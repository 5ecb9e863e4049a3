"""What is unwise on a site: findings of lints, and the way to mend them."""
