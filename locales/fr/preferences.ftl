# Ce que chacun veut savoir, et comment.
error-preference-locked = Ce canal ne peut pas être désactivé pour cette catégorie.
