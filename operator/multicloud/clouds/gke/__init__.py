"""GKE through google-cloud-container over gRPC; sizes from Compute's instance groups over REST.

`door` opens an account, `login` gets its tokens, `container` and `compute` are the two APIs as typed calls, `pools`
reads and resizes, `facts` turns Google's words into ours, `errors` Google's refusals into typed ones.
"""
