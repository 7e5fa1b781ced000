"""Headers by what they mean, in the languages and exports that shops use: data, no code.

Written as `mapping.py` compares them: small letters without accents, words apart by one blank. The
likelier comes first.
"""

from __future__ import annotations

SYNONYMS: dict[str, tuple[str, ...]] = {
    "order_id": (
        *("order id", "order number", "order no", "order nr", "order", "order name", "invoice"),
        *("invoice no", "invoice number", "invoice id", "transaction id", "receipt number"),
        *("bestellnummer", "bestell nr", "bestellung", "auftragsnummer", "rechnungsnummer"),
        *("beleg nr", "belegnummer", "numero de commande", "n de commande", "no commande"),
        *("id commande", "commande", "numero de pedido", "n de pedido", "id pedido", "pedido"),
        *("numero pedido", "numero ordine", "id ordine", "ordine", "bestelnummer", "ordernummer"),
        *("numer zamowienia", "id zamowienia", "zamowienie", "numero do pedido", "注文番号"),
        *("受注番号", "주문번호", "订单号", "订单编号", "訂單編號", "payment id", "charge id"),
        *("sale id", "ticket", "bon", "name", "id"),
    ),
    "customer_id": (
        *("customer id", "customer number", "customer no", "client id", "user id", "buyer id"),
        *("member id", "account id", "cust id", "customer reference id", "kundennummer"),
        *("kunden nr", "kunden id", "kundennr", "kunde", "id client", "numero client"),
        *("code client", "n client", "client", "id cliente", "codigo cliente", "numero cliente"),
        *("codice cliente", "cliente", "klantnummer", "klant id", "klant", "id klienta"),
        *("numer klienta", "klient", "顧客番号", "顧客id", "会員番号", "고객번호", "고객id"),
        *("客户编号", "客户id", "會員編號", "顾客id", "customer", "user", "buyer", "member"),
    ),
    "email": (
        *("email", "e mail", "customer email", "email address", "e mail address"),
        *("billing email", "email billing", "buyer email", "contact email", "from email address"),
        *("customer email address", "mail", "e mail adresse", "email adresse", "kunden e mail"),
        *("adresse e mail", "adresse email", "courriel", "correo", "correo electronico"),
        *(
            "indirizzo email",
            "adres e mail",
            "メール",
            "メールアドレス",
            "이메일",
            "邮箱",
            "電子郵件",
        ),
    ),
    "date": (
        *("ordered at", "order date", "order ts", "order timestamp", "order datetime"),
        *("order time", "created at", "created date utc", "created utc", "date created"),
        *("purchase date", "purchased at", "invoice date", "transaction date", "sale date"),
        *("payment date", "paid at", "date", "date utc", "date time", "datetime", "timestamp"),
        *("created", "day", "bestelldatum", "auftragsdatum", "rechnungsdatum", "belegdatum"),
        *("kaufdatum", "datum", "date de commande", "date commande", "date d achat"),
        *("date de la commande", "date de facture", "fecha de pedido", "fecha del pedido"),
        *("fecha de compra", "fecha pedido", "fecha", "data ordine", "data dell ordine"),
        *("data acquisto", "besteldatum", "orderdatum", "data zamowienia", "data do pedido"),
        *("data", "注文日", "注文日時", "受注日", "購入日", "주문일", "주문일시", "订单日期"),
        *("下单时间", "订单时间", "訂單日期", "zeitstempel"),
    ),
    "amount": (
        *("line total", "line amount", "item total", "net sales", "amount", "order total"),
        *("order total amount", "order amount", "total", "total amount", "grand total"),
        *("total price", "total paid", "amount paid", "net revenue", "n revenue", "revenue"),
        *("total sales", "sales", "gross sales", "gross", "total collected", "paid", "spend"),
        *("dollar value", "value", "n revenue formatted", "net amount", "betrag"),
        *("gesamtbetrag", "gesamtsumme", "gesamtpreis", "gesamt", "rechnungsbetrag", "summe"),
        *("umsatz", "bestellwert", "montant total", "montant", "montant ttc", "total ttc"),
        *("total de la commande", "importe total", "importe", "monto", "valor total", "valor"),
        *("importo totale", "importo", "totale", "bedrag", "totaalbedrag", "totaal", "kwota"),
        *(
            "wartosc",
            "suma",
            "金額",
            "合計金額",
            "合計",
            "購入金額",
            "금액",
            "결제금액",
            "주문금액",
        ),
        *("金额", "总金额", "订单金额", "實付金額"),
    ),
    "unit_price": (
        *("unit price", "price", "lineitem price", "item price", "item cost", "price each"),
        *("product price", "einzelpreis", "stuckpreis", "preis", "prix unitaire", "prix"),
        *("precio unitario", "precio", "prezzo unitario", "prezzo", "eenheidsprijs", "prijs"),
        *("cena", "cena jednostkowa", "preco unitario", "単価", "価格", "단가", "单价"),
    ),
    "quantity": (
        *("quantity", "qty", "lineitem quantity", "item quantity", "item qty", "quantity sold"),
        *("items sold", "pieces", "units", "count", "number of cds", "number of items"),
        *("menge", "anzahl", "stuckzahl", "quantite", "qte", "cantidad", "quantita", "aantal"),
        *("ilosc", "quantidade", "数量", "個数", "수량"),
    ),
    # Other columns with refunds in their name may be rates, days, or part of the amount.
    "refunded": (
        *("refunded amount", "amount refunded", "refund amount", "total refunded", "refunded"),
        *("order refund amount", "erstattet", "erstattungsbetrag", "erstatteter betrag"),
        *("montant rembourse", "importe reembolsado", "importo rimborsato", "返金額", "환불금액"),
    ),
    "currency": (
        *("currency", "currency code", "order currency", "waehrung", "wahrung", "devise"),
        *("moneda", "divisa", "valuta", "waluta", "moeda", "通貨", "통화", "货币", "币种", "幣別"),
    ),
    "channel": (
        *("channel", "sales channel", "source", "source name", "utm source", "origin"),
        *("attribution", "vertriebskanal", "kanal", "canal", "canal de vente", "canale"),
        *("kanaal", "verkoopkanaal", "チャネル", "流入元", "채널", "渠道"),
    ),
    "country": (
        *("country", "billing country", "country billing", "country code billing"),
        *("shipping country", "country shipping", "country code", "land", "lieferland", "pays"),
        *("pais", "paese", "kraj", "国", "国名", "국가", "国家", "國家"),
    ),
    "product": (
        *("product name", "product", "lineitem name", "item name", "item title", "item"),
        *("product title", "products", "product s", "description", "sku", "product id"),
        *("stock code", "artikelname", "artikel", "artikelbezeichnung", "produkt", "produktname"),
        *("produit", "nom du produit", "article", "producto", "nombre del producto", "articulo"),
        *("prodotto", "articolo", "productnaam", "nazwa produktu", "商品名", "商品", "상품명"),
        *("商品名称", "产品", "商品名稱"),
    ),
    "status": (
        *("financial status", "order status", "payment status", "status", "state"),
        *("bestellstatus", "zahlungsstatus", "statut", "estado", "stato", "ステータス", "상태"),
        *("状态", "訂單狀態"),
    ),
}

#: States, as `mapping.py` compares them, in which nothing was sold, or all of it was given back.
UNSOLD = frozenset(
    {
        *("cancelled", "canceled", "failed", "failure", "void", "voided", "pending", "unpaid"),
        *("pending payment", "on hold", "draft", "checkout draft", "trash", "declined", "denied"),
        *("expired", "incomplete", "blocked", "refunded", "reversed", "authorized", "uncaptured"),
        *("requires payment method", "requires action", "requires confirmation", "abandoned"),
        *("storniert", "abgebrochen", "fehlgeschlagen", "offen", "erstattet", "annule"),
        *("annulee", "echoue", "echouee", "en attente", "rembourse", "cancelado", "cancelada"),
        *("fallido", "pendiente", "reembolsado", "annullato", "fallito", "in attesa"),
        *("rimborsato", "geannuleerd", "mislukt", "anulowane", "キャンセル", "취소", "已取消"),
    }
)
