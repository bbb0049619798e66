"""The clouds: one door per cloud, one lane per account around it.

`registry` opens lanes for accounts, `lane` makes a blocking door awaitable (`threads` deadlines, `pace` rate limits and
breakers), `eks`, `aks` and `gke` are the doors: plain SDK code behind the ports NodePools and Identity. They are loaded
when an account first needs them, so that an installation without a cloud needs no SDK of it.
"""
