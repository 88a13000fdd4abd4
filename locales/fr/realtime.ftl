# Sockets.
error-token-expired = Votre session a expiré. Reconnectez-vous.
error-malformed-frame = Le service ne peut pas lire cette trame.
error-token-revoked = Votre session a été fermée. Reconnectez-vous.
