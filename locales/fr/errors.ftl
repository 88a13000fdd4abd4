# Errors: one text per code.
error-validation-error = Certaines valeurs sont invalides.
error-malformed-json = Le corps de la requête n’est pas du JSON valide en UTF-8.
error-bad-request = La requête est mal formée.
error-not-acceptable = Le service ne peut répondre dans aucun des formats que vous acceptez.
error-unauthenticated = Connectez-vous pour continuer.
error-forbidden = Vous n’avez pas le droit d’effectuer cette action.
error-feature-disabled = Cette fonctionnalité n’est pas activée.
error-not-found = Cette ressource n’existe pas.
error-method-not-allowed = Cette méthode n’est pas prise en charge à cette adresse.
error-timeout = La requête a mis trop de temps à arriver. Réessayez.
error-conflict = Les données ont été modifiées par un autre utilisateur. Veuillez recharger.
error-edit-window-closed = Ce message ne peut plus être modifié.
error-invalid-binding = L’abonnement { $binding } n’est pas valide : { $why }.
error-not-numbered = Ce sujet ne conserve pas les diffusions. Envoyez-la sans « persist ».
error-payload-too-large = Le corps de la requête est trop volumineux.
error-unsupported-media-type = Ce type de contenu ou cet encodage n’est pas pris en charge.
error-precondition-required = Indiquez la version sur laquelle se fonde votre modification (updated_at ou If-Match).
error-idempotency-mismatch = Cette clé d’idempotence a déjà servi pour une autre requête. Utilisez une nouvelle clé.
error-rate-limited = Trop de requêtes. Réessayez dans un instant.
error-unavailable = Le service est momentanément indisponible. Réessayez dans un instant.
error-internal = Une erreur est survenue de notre côté. Réessayez ; si elle se reproduit, communiquez-nous l’identifiant de la requête.

# Faults: one text per kind of wrong value.
fault-missing = Cette valeur est requise.
fault-unknown-field = Ce champ n’existe pas.
fault-duplicate = Cette valeur ne peut apparaître qu’une fois.
fault-wrong-type = Cette valeur n’a pas le bon type.
fault-invalid = Cette valeur est invalide.
fault-unknown-value = Cette valeur ne fait pas partie des valeurs autorisées.
fault-nul = Cette valeur contient un caractère non autorisé (U+0000).
fault-too-deep = Ce document comporte trop de niveaux d’imbrication.
fault-too-short = Cette valeur est trop courte. Longueur minimale en caractères : { $min }.
fault-too-long = Cette valeur est trop longue. Longueur maximale en caractères : { $max }.
fault-too-few = Cette liste compte trop peu d’éléments. Minimum : { $min }.
fault-too-many = Cette liste compte trop d’éléments. Maximum : { $max }.
fault-out-of-range = Cette valeur doit être comprise entre { $min } et { $max }.
fault-unknown-recipient = Aucun destinataire ne porte cet identifiant.
