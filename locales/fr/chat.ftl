# Chat: faults, away replies, drafts.
fault-ambiguous = Indiquez une seule de ces valeurs.
fault-yourself = Vous ne pouvez pas vous écrire à vous-même.
chat-away = { $operator } vous répondra dès que possible.
chat-away-unassigned = Nous vous répondrons dès que possible.
draft-sale = Bonjour, à propos de la vente « { $title } » :{" "}
draft-product = Bonjour, à propos du produit « { $title } » :{" "}
draft-alert = Bonjour, à propos de l’alerte « { $title } » :{" "}
draft-order = Bonjour, à propos de la commande « { $title } » :{" "}
draft-ticket = Bonjour, à propos du ticket « { $title } » :{" "}
draft-other = Bonjour, à propos de « { $title } » :{" "}
