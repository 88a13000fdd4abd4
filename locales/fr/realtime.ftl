# La connexion en temps réel.
error-token-expired = Votre session a expiré. Reconnectez-vous.
error-token-revoked = Votre session a été fermée. Reconnectez-vous.
