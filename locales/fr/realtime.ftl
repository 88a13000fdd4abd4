# La connexion en temps réel.
error-token-expired = Votre session a expiré. Reconnectez-vous.
error-malformed-frame = Le service ne comprend pas cette trame.
