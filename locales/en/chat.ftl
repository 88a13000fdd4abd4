# Chat: faults, away replies, drafts.
fault-ambiguous = Give only one of these values.
fault-yourself = You cannot write to yourself.
chat-away = { $operator } will answer you as soon as possible.
chat-away-unassigned = We will answer you as soon as possible.
draft-sale = Hello, about the sale “{ $title }”:{" "}
draft-product = Hello, about the product “{ $title }”:{" "}
draft-alert = Hello, about the alert “{ $title }”:{" "}
draft-order = Hello, about the order “{ $title }”:{" "}
draft-ticket = Hello, about the ticket “{ $title }”:{" "}
draft-other = Hello, about “{ $title }”:{" "}
