expect_failure(2 UsageError "no database was named.*DATABASE_URL" part list)
work_as_ada()
make_lamp()
remember_files()
foreach(arguments IN ITEMS "part" "rev" "bom" "review" "workflow" "user" "category" "part;frobnicate" "part;add;AS"
        "part;list;--state;lost" "part;list;--sort;size" "part;list;--limit;0" "bom;add;AS-10001;EL-RES-10000;many"
        "bom;explode" "bom;explode;AS-10001;--depth;0" "bom;where-used;EL-RES-10000;--all;--top"
        "review;submit;AS-10001" "review;reject;AS-10001" "approve" "workflow;move;AS-10001;burn"
        "workflow;move;AS-10001;submit" "user;add;eve" "user;add;eve;--role;King" "user;deactivate;bo"
        "rev;discard;AS-10001" "category;rename;EL-RES;XY" "part;import" "history"
        "completion;tcsh" "man;stray")
    expect_failure(2 UsageError "--|See |subcategory" ${arguments})
endforeach()
sqlane(part export --json)
expect_code(2)
expect_json(UsageError error kind)
expect_files_unchanged()
