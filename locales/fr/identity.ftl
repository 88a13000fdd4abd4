# Personnes, équipes, clients, entreprises ; requêtes répétées.
error-request-in-progress = La même requête est encore en cours. Réessayez dans un instant.
error-slug-taken = Ce nom court est déjà pris.
error-in-use = Cet élément est encore utilisé ailleurs et ne peut pas être supprimé.
fault-unknown-id = Cet enregistrement n’existe pas.
fault-wrong-role = Cette personne n’a pas le rôle requis.
fault-not-https = Cette adresse doit commencer par https://.
