"""EKS through boto3; sizes from EC2 Auto Scaling.

`door` opens an account, `login` makes its session from a Secret or the ambient identity, `clients` are the APIs by
region with the fence in their last hook, `pools` reads and resizes, `facts` turns AWS's words into ours, `errors` AWS's
refusals into typed ones.
"""
