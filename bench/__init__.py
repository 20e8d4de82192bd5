"""The benchmarks: whole logins against one worker of the server, beside what the machine can do at best."""
