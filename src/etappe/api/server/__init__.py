"""The HTTP server of one serving process: uvicorn, with bounds on connections and on how long each may take."""
