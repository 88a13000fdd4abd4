# La connexion en temps réel.
error-token-expired = Votre session a expiré. Reconnectez-vous.
