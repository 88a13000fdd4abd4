# Templates, events, summaries and digests.
fault-unknown-event = Aucun modèle de notification ne porte ce nom.
fault-in-past = Cette date est déjà passée.
fault-not-relative = Ce lien doit rester dans l’application : utilisez un chemin qui commence par une seule barre oblique.
fault-unknown-variable = Ligne { $line } : ce texte utilise une variable que le modèle ne déclare pas ({ $why }).
fault-template-broken = Ligne { $line } : ce texte ne peut pas être généré ({ $why }).
fault-template-refused = Ligne { $line } : cette construction n’est pas autorisée ({ $why }).
fault-template-too-long = Ce texte est trop long à générer. Simplifiez-le.
fault-blank = Ce texte est vide une fois généré.
notifications-summary-subject = Nouvelles notifications : { $count }
notifications-summary-body = Vous avez de nouvelles notifications : { $count }.
notifications-digest-subject = Vos notifications : { $count }
notifications-digest-body = Voici ce qui s’est passé depuis votre dernier résumé.
fault-must-be-optional = Les émetteurs n’envoient pas toujours cette variable. Rendez-la facultative.
