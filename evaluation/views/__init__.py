"""Pages of experts, of the tenderee's side, of bidders, of supervisors and of everybody."""
