error-internal = Une erreur interne est survenue. Réessayez ; si elle persiste, indiquez la référence de la requête.
