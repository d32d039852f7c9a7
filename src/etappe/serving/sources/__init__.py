"""Where candidate items come from: one declaration a source, all with one signature. `order` says which are asked."""
