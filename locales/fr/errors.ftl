# Errors: one sentence per code.
error-validation-error = Certaines valeurs sont invalides.
error-malformed-json = Le corps de la requête n’est pas du JSON valide en UTF-8.
error-bad-request = La requête est mal formée.
error-not-acceptable = Aucun des formats que vous acceptez n’est disponible.
error-unauthenticated = Vous devez vous identifier pour accéder à cette ressource.
error-forbidden = Vous n’avez pas le droit d’effectuer cette action.
error-feature-disabled = Cette fonctionnalité n’est pas activée.
error-not-found = Cette ressource n’existe pas.
error-method-not-allowed = Cette méthode n’est pas permise ici.
error-timeout = La requête n’est pas arrivée à temps.
error-conflict = Les données ont été modifiées par un autre utilisateur. Veuillez recharger.
error-edit-window-closed = Ce message ne peut plus être modifié.
error-invalid-binding = L’abonnement { $binding } n’est pas valide : { $why }.
error-not-numbered = Rien n’est conservé sur ce sujet : une diffusion ne peut pas y être persistée.
error-payload-too-large = Le corps de la requête est trop volumineux.
error-unsupported-media-type = Ce type de contenu n’est pas accepté.
error-precondition-required = Indiquez la version sur laquelle se fonde la modification (updated_at ou If-Match).
error-idempotency-mismatch = Cette clé d’idempotence a déjà servi pour une autre requête.
error-rate-limited = Trop de requêtes. Réessayez dans un instant.
error-unavailable = Le service est momentanément indisponible. Réessayez dans un instant.
error-internal = Une erreur interne est survenue. Réessayez ; si le problème persiste, indiquez la référence de la requête.

# Faults: one sentence per wrong value.
fault-missing = Cette valeur est requise.
fault-unknown-field = Ce champ n’existe pas.
fault-duplicate = Cette valeur ne peut être donnée qu’une fois.
fault-wrong-type = Cette valeur n’est pas du type attendu.
fault-invalid = Cette valeur est invalide.
fault-unknown-value = Cette valeur ne fait pas partie des valeurs permises.
fault-nul = Cette valeur contient un caractère interdit (U+0000).
fault-too-deep = Ce document comporte trop de niveaux d’imbrication.
fault-too-short = Cette valeur est trop courte. Longueur minimale en caractères : { $min }.
fault-too-long = Cette valeur est trop longue. Longueur maximale en caractères : { $max }.
fault-too-few = Cette liste compte trop peu d’éléments. Minimum : { $min }.
fault-too-many = Cette liste compte trop d’éléments. Maximum : { $max }.
fault-out-of-range = Cette valeur doit être comprise entre { $min } et { $max }.
fault-unknown-recipient = Aucun destinataire ne porte cet identifiant.
