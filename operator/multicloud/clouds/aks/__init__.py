"""AKS through azure-mgmt-containerservice: agent pools of Azure subscriptions.

`door` opens an account, `login` gets its tokens, `pipeline` carries requests to Azure Resource Manager (ARM), `pools`
reads and resizes, `facts` turns ARM's words into ours, `errors` ARM's refusals into typed ones.
"""
