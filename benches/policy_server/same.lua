-- Sends the same review with every request.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = io.open(os.getenv("REVIEW")):read("*a")
