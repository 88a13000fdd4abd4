fault-unknown-event = Aucun modèle de notification ne porte ce nom.
fault-not-relative = Ce lien doit rester dans l’application : un chemin qui commence par une seule barre oblique.
fault-unknown-variable = Ligne { $line } : ce texte nomme une variable que le modèle ne déclare pas ({ $why }).
fault-template-broken = Ligne { $line } : ce texte ne peut pas être produit ({ $why }).
fault-template-refused = Ligne { $line } : cette construction n’est pas permise ({ $why }).
fault-template-too-long = Ce texte demande trop de calcul.
fault-blank = Ce texte est vide une fois produit.
fault-must-be-optional = Les émetteurs n’ont pas promis cette variable : elle ne peut être que facultative.
